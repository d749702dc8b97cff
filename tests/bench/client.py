"""The client that one would write in ten minutes: it posts, and prints what each reply said.

`python -m tests.bench.client URL FILE CONCURRENCY [RATE]`
"""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import aiohttp
from aiolimiter import AsyncLimiter


async def main(url: str, ids: Iterator[str], concurrency: int, rate: float = 0.0) -> None:
    """Cancel all jobs, with so many requests in flight; `rate` is in requests per second."""
    limiter = AsyncLimiter(rate, 1) if rate else nullcontext()
    async with aiohttp.ClientSession(headers={"Authorization": "Bearer token"}) as session:

        async def work() -> None:
            for job_id in ids:
                address = f"{url}/pcm/jobs/{job_id}/cancel"
                async with limiter:
                    try:
                        async with session.post(address, json={}) as reply:
                            await reply.json()
                            print(f"{reply.status} {address}")
                    except aiohttp.ClientError:
                        print(f"000 {address}")

        await asyncio.gather(*(work() for _ in range(concurrency)))


if __name__ == "__main__":
    _, url, file, *numbers = sys.argv
    asyncio.run(main(url, iter(Path(file).read_text().split()), *map(int, numbers)))
