"""The script that one would write in ten minutes: aiohttp, a limiter, and what each reply said.

`python -m tests.bench.plain URL FILE RATE`
"""

import asyncio
import sys
from pathlib import Path

import aiohttp
from aiolimiter import AsyncLimiter


async def main(url: str, ids: list[str], rate: float) -> None:
    """Cancel all jobs at a rate, in requests per second; print a status and an address each."""
    limiter = AsyncLimiter(rate, 1)
    async with aiohttp.ClientSession(headers={"Authorization": "Bearer token"}) as session:

        async def cancel(job_id: str) -> None:
            address = f"{url}/pcm/jobs/{job_id}/cancel"
            async with limiter:
                try:
                    async with session.post(address, json={}) as reply:
                        await reply.read()
                        print(f"{reply.status} {address}")
                except aiohttp.ClientError:
                    print(f"000 {address}")

        await asyncio.gather(*map(cancel, ids))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]).read_text().split(), float(sys.argv[3])))
