"""`python -m bench.directory_import`: a small round measures every step, and exports what was imported."""

from pathlib import Path

import pytest

from bench.directory_import import Size, measure


@pytest.mark.slow
async def test_a_small_directory_is_measured(postgres: str, tmp_path: Path) -> None:
    figures = await measure(postgres, tmp_path, Size(60, 500, 900))
    assert list(figures) == ["copy into a bare table", "import", "the same import again", "export"]
    assert all(it.seconds > 0 for it in figures.values())
