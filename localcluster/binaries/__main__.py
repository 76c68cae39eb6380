"""``python -m localcluster.binaries``: downloads that ``tools/downloads.txt`` has no sum of, as lines for that file.

The sums are what the files' own hosts say now. Compare them with another source before they go into the file.
"""

from __future__ import annotations

import sys

from localcluster.binaries.catalog import CATALOG
from localcluster.binaries.download import Downloader, DownloadError, pinned_sums, published_sum


def main() -> int:
    """Print them; 1 where a host did not say a sum."""
    downloader, missing = Downloader(), 0
    releases = {binary.release.url: binary.release for binary in CATALOG.values() if binary.release is not None}
    for url in sorted(releases.keys() - pinned_sums().keys()):
        try:
            print(f"{published_sum(downloader.text(releases[url].checksums), url.rsplit('/', 1)[-1])}  {url}")
        except DownloadError as error:
            print(f"# {error}", file=sys.stderr)
            missing += 1
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
