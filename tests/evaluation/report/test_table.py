"""The paper's figures that ship are those that the paper's tables have."""

import json
from pathlib import Path

import pytest

from vifi_cli.evaluation.report.table import published_rows
from vifi_cli.evaluation.scoring.scores import harmonic_mean

RESULTS = Path(__file__).parents[4] / "shared" / "reference" / "published_results.json"
SHOTS = "few_shot_2_4_8_16"


def percent(setting: str, data: str, method: str) -> list[float]:
    table = published_rows(setting, data)
    assert table is not None
    (row,) = (row for row in table.rows if row.method == method)
    return [round(100 * figure.value, 1) for figure in row.estimates if figure]


def test_all_of_the_papers_tables_are_here() -> None:
    if not RESULTS.is_file():
        pytest.skip("the paper's results are not here")
    results = json.loads(RESULTS.read_text())
    compared = 0
    for setting, key in (("zero-shot", "zero_shot"), ("base2novel", "base_to_novel_harmonic_mean")):
        table = results[key]
        for method in table.keys() - {"note", "columns"}:
            for data, value in zip(table["columns"], table[method], strict=True):
                if value is not None:
                    assert percent(setting, data, method)[-1] == value, (setting, data, method)
                    compared += 1
    for method, sets in results[SHOTS].items():
        for data, values in sets.items():
            assert percent("few-shot", data, method) == values, (data, method)
            compared += 4
    for method, values in results["fully_supervised_k400_top1_top5"].items():
        assert percent("supervised", "k400", method) == values
        compared += 2
    assert compared == 98


@pytest.mark.parametrize("data", ["k400", "hmdb51", "ucf101", "ssv2"])
def test_harmonic_means_follow_from_base_and_novel(data: str) -> None:
    table = published_rows("base2novel", data)
    assert table is not None
    for row in table.rows:
        base, novel, harmonic = (figure.value for figure in row.estimates if figure)
        # what is averaged was rounded to a tenth of a percent
        assert harmonic_mean(base, novel) == pytest.approx(harmonic, abs=1e-3), row.method


def test_spreads_and_sources_are_named_and_absent_sets_are_absent() -> None:
    table = published_rows("zero-shot", "hmdb51")
    assert table is not None
    by_method = {row.method: row for row in table.rows}
    figure = by_method["ViFi-CLIP"].estimates[0]
    assert figure is not None
    assert (figure.value, figure.spread, figure.low) == (0.513, 0.006, None)
    assert all(row.source == "published" and row.remark for row in table.rows)
    assert published_rows("few-shot", "k400") is None
    assert published_rows("zero-shot", "weizmann") is None
