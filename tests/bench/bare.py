"""The bare client: an aiohttp loop that does nothing but post, parse and count.

`python -m tests.bench.bare URL FILE CONCURRENCY`
"""

import asyncio
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import orjson


async def main(url: str, ids: Iterator[str], concurrency: int) -> None:
    """Cancel all jobs, with so many requests in flight."""
    counts: Counter[str] = Counter()
    headers = {"Authorization": "Bearer token", "Accept": "application/json"}
    connector = aiohttp.TCPConnector(limit=concurrency)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def work() -> None:
            for job_id in ids:
                async with session.post(
                    f"{url}/pcm/jobs/{job_id}/cancel",
                    data=b"{}",
                    headers={"Content-Type": "application/json"},
                ) as reply:
                    body = orjson.loads(await reply.read())
                    counts[body["data"]["attributes"]["status"]] += 1

        await asyncio.gather(*(work() for _ in range(concurrency)))
    print(dict(counts))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], iter(Path(sys.argv[2]).read_text().split()), int(sys.argv[3])))
