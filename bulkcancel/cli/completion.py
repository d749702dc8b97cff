"""What shells complete, where click alone would get it wrong."""

from click.shell_completion import CompletionItem, ZshComplete, add_completion_class


class _Zsh(ZshComplete):
    """zsh puts a completion in place of the whole word, so it must begin with the option."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        """Return the choices for `--option=…` with the option in front."""
        items = super().get_completions(args, incomplete)
        option, given, _ = incomplete.partition("=")
        if given and option.startswith("--"):
            for item in items:
                item.value = f"{option}={item.value}"
        return items


add_completion_class(_Zsh)
