"""What holds where nobody says otherwise, alone in its file so that --help imports no more."""

BASE_URL = "https://euwest.api.elasticpath.com"
RATE = 20.0  # requests per second
RETRIES = 4  # per job
TIMEOUT = 30.0  # seconds per request
GRACE = 5.0  # seconds for requests in flight after TERM
MAX_OUTAGE = 300.0  # seconds without any connection
MAX_WAIT = 600.0  # seconds: the longest Retry-After that is waited for
MAX_FAILURES = 100  # jobs
FOLLOW_EVERY = 5.0  # seconds
