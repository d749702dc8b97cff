"""Characters for property tests."""

from hypothesis import strategies as st

# by default hypothesis tries to encode each of a million characters: seconds in every worker
ENCODABLE = st.characters(exclude_categories=["Cs"])
WITHOUT_NUL = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
