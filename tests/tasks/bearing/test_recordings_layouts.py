"""Recordings in the layouts in which public and in-house sets really come: what is understood, and what is asked for how."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy.io import savemat, wavfile

from src.core.config import override_layer, resolve
from src.core.dataset.findings import Finding
from src.tasks.bearing.described import RecordingDescription
from src.tasks.bearing.description import BEARING, recognise
from src.tasks.bearing.geometry import known_bearing
from src.tasks.bearing.jobs.new_data import data_options, recordings_of
from src.tasks.bearing.jobs.predict_config import PredictConfig
from src.tasks.bearing.naming import fault_in_name, fault_of, name_pattern
from src.tasks.bearing.recordings import read_signal
from src.tasks.bearing.signals import EnvelopeRule
from src.tasks.bearing.sources import SourceFile
from src.tasks.bearing.windows import WindowIndex, WindowShape
from tests.tasks.bearing.made import BEARING_MODEL, RATE, SPEED, wave

N = 2000


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATHE_WORKSPACE", str(tmp_path / "workspace"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Named like nothing that could be a label."""
    (tmp_path / "set").mkdir()
    return tmp_path / "set"


def noise(seed: int = 0, length: int = N) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=length)


def described(folder: Path, *words: str) -> RecordingDescription:
    config = resolve(
        BEARING.config, [override_layer([f"data.folder={folder}", *words], BEARING.config)]
    ).config
    found = BEARING.describe(config, store=False)
    assert isinstance(found, RecordingDescription)
    return found


def finding(found: RecordingDescription, code: str) -> Finding:
    return next(f for f in found.findings if f.code == code)


def by_name(found: RecordingDescription, what: str) -> dict[str, Any]:
    return {r.id: getattr(r, what) for r in found.all_samples}


def table(path: Path, head: str, *columns: np.ndarray, mark: str = ",", encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = "\n".join(mark.join(f"{value:.7g}" for value in row) for row in np.column_stack(columns))
    path.write_bytes((head + rows + "\n").encode(encoding))
    return path


def structs(*items: dict[str, Any]) -> np.ndarray:
    """A MATLAB array of structures."""
    made = np.zeros((1, len(items)), [(key, object) for key in items[0]])
    for number, item in enumerate(items):
        for key, value in item.items():
            made[0, number][key] = value
    return made


# ---- speeds and rates


def test_a_shaft_rate_beside_the_sampling_rate_is_in_turns_a_second(folder: Path) -> None:
    for k, name in enumerate(("baseline_1", "baseline_2", "OuterRaceFault_1", "OuterRaceFault_vload_1")):
        rate = 97_656.0 if k < 3 else 48_828.0
        fields = {"sr": rate, "gs": noise(k)[:, None], "load": 270.0, "rate": 25.0}
        place = folder / f"{k // 2} - Some {('Baseline', 'Outer Race Fault')[k // 2]} Conditions"
        place.mkdir(exist_ok=True)
        savemat(place / f"{name}.mat", {"bearing": fields})
    found = described(folder, "data.windows.length=0.01")
    assert {r.speed for r in found.all_samples} == {1500.0} and found.channel == "bearing.gs"
    assert {r.rate for r in found.all_samples} == {97_656.0, 48_828.0} and found.class_names[0].endswith(
        "Baseline Conditions"
    )
    assert (
        "“bearing.rate” of the files, read as rev/s (1500 rev/min)"
        in finding(found, "facts.understood").message
    )
    assert "comes at 97656 Hz only" in finding(found, "facts.rates").message


@pytest.mark.parametrize(
    ("text", "name", "words", "speed"),
    [("{speed}Hz*/{run}", "35Hz12kN/1", (), 2100.0), ("{speed}_*", "1500rpm_1", (), 1500.0),
     ("*_{speed}_{load}", "x_20_0", ("data.facts.speed_unit=hz",), 1200.0), ("{rpm}-*", "900-1", (), 900.0),
     ("", "r_1480rpm_2", (), 1480.0)],
)  # fmt: skip
def test_the_unit_of_a_speed_stands_beside_it(
    text: str, name: str, words: tuple[str, ...], speed: float, folder: Path
) -> None:
    path = folder / f"{name}.npy"
    path.parent.mkdir(exist_ok=True)
    np.save(path, noise())
    found = described(
        folder, f"data.name_pattern={text}", "data.rename=*=outer", "data.facts.rate_hz=8000", *words
    )
    assert [r.speed for r in found.all_samples] == [speed]


@pytest.mark.parametrize(
    ("field", "value", "speed"),
    [("shaft_frequency_hz", 24.0, 1440.0), ("shaft_frequency", 24.0, 1440.0), ("speed", "24 Hz", 1440.0),
     ("speed [rev/s]", 24.0, 1440.0), ("rotational_speed", "1440 1/min", 1440.0), ("RPM", 1440, 1440.0)],
)  # fmt: skip
def test_the_unit_of_a_speed_stands_in_the_file(field: str, value: Any, speed: float, folder: Path) -> None:
    with h5py.File(folder / "outer_1.h5", "w") as file:
        file["vib"] = noise()
        file.attrs[field], file.attrs["fs_khz"] = value, 12.8
    (one,) = described(folder, "data.windows.length=0.01").all_samples
    assert (one.speed, one.rate) == (pytest.approx(speed), 12_800.0)


@pytest.mark.parametrize(
    ("name", "rate"),
    [
        ("12k_Drive_End/a", 12_000.0),
        ("x_25.6kHz", 25_600.0),
        ("load_2k", 0.0),
        ("12kN_a", 0.0),
        ("12k/at_48k", 0.0),
    ],
)
def test_rates_in_names_are_read_where_they_are_plain(name: str, rate: float, folder: Path) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    np.save(folder / f"{name}.npy", noise())
    words = ("data.rename=*=outer", "data.windows.unit=samples", "data.windows.length=100")
    assert [r.rate for r in described(folder, *words).all_samples] == [rate]


def test_a_speed_without_a_unit_that_is_too_low_is_asked_about(folder: Path) -> None:
    for hz in (13.1072, 25.1904):
        np.save(folder / f"{hz}.npy", noise())
    words = ("data.name_pattern={speed}", "data.rename=*=outer", "data.facts.rate_hz=8000")
    said = finding(described(folder, *words), "speed.unit")
    assert "13.11 and 25.19" in said.message and said.actions[0].settings == {"data.facts.speed_unit": "hz"}
    for unit, low in (("hz", 786.432), ("rpm", 13.1072)):
        found = described(folder, *words, f"data.facts.speed_unit={unit}")
        assert min(by_name(found, "speed").values()) == pytest.approx(low)
        assert "speed.unit" not in {f.code for f in found.findings}


@pytest.mark.parametrize(
    ("names", "pattern", "speeds"),
    [(("35Hz12kN/B1/1", "37.5Hz11kN/B2/1"), "{speed}Hz*/*/*", {2100.0, 2250.0}),
     (("run_20Hz/1", "run_30Hz/1"), "*{speed}Hz/*", {1200.0, 1800.0}),
     (("ib600_2", "n800_3_2"), "*{speed}_*", {600.0, 800.0})],
)  # fmt: skip
def test_numbers_of_the_names_are_offered_as_speeds(
    names: tuple[str, ...], pattern: str, speeds: set[float], folder: Path
) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        np.save(folder / f"{name}.npy", noise())
    words = ("data.rename=*=outer", "data.facts.rate_hz=8000")
    assert f"data.name_pattern={pattern} takes it" in finding(described(folder, *words), "facts.speed").cure
    found = described(folder, *words, f"data.name_pattern={pattern}")
    assert set(by_name(found, "speed").values()) == speeds


def test_another_channel_s_rate_is_never_taken(folder: Path) -> None:
    with h5py.File(folder / "outer_1.h5", "w") as file:
        for name, rate, length in (("current", 1000, N), ("force", 4000, N), ("vibration", 25_600, 2 * N)):
            file[name] = noise(length=length)
            file[name].attrs["sampling_frequency"] = rate
    words = ("data.facts.speed_rpm=1500", "data.windows.length=0.01")
    assert [(r.channel, r.rate) for r in described(folder, *words).all_samples] == [("vibration", 25_600.0)]
    (other,) = described(folder, *words, "data.channel=force").all_samples
    assert other.rate == 4000.0
    with h5py.File(folder / "outer_1.h5", "a") as file:
        del file["vibration"].attrs["sampling_frequency"]
    assert (
        "rate is not known"
        not in finding(described(folder, *words, "data.channel=force"), "facts.understood").message
    )
    assert finding(described(folder, *words), "facts.rate").severity == "error"


def test_times_as_many_as_the_samples_give_the_rate(folder: Path) -> None:
    def part(name: str, data: np.ndarray) -> dict[str, Any]:
        return {"Name": name, "Type": 1.0, "Data": data[None]}

    slow, fast = np.arange(250) / 4000, np.arange(4 * N) / 64_000
    for code in ("K001", "K002", "KA01", "KA04", "KI01", "KI04"):
        (folder / code).mkdir()
        name = f"N15_M07_F10_{code}_1"
        y = structs(part("force", noise(length=250)), part("phase_current_1", np.sin(fast)), part("speed", 1500 + 0 * slow),
                    part("vibration_1", noise(length=4 * N)), part("phase_current_2", np.cos(fast)))  # fmt: skip
        x = structs(part("Mech_4kHz", slow), part("HostService", fast))
        savemat(folder / code / f"{name}.mat", {name: {"X": x, "Y": y}})
    found = described(folder, "data.windows.length=0.05")
    assert found.channel == "*.Y.vibration_1.Data" and not found.all_samples
    said = finding(found, "facts.label")
    assert "K, KA, KI" in said.cure and "data.rename=KA*=…,KI*=…,K*=…" in said.cure
    found = described(folder, "data.windows.length=0.05", "data.rename=KA*=outer, KI*=inner, K0*=normal")
    assert {(r.rate, r.speed, r.length) for r in found.all_samples} == {(64_000.0, 1500.0, 4 * N)}
    assert found.class_names == ("inner", "normal", "outer")


# ---- which channel


def test_times_counters_pulses_and_constants_are_no_vibration(folder: Path) -> None:
    count = np.arange(N)
    pulses = np.where(count % 50 < 5, 4.7, -0.3) + 0.02 * noise(1)
    for k, label in enumerate(("outer", "outer", "normal", "normal")):
        table(
            folder / label / f"Messung{k}.csv",
            "",
            0 * count + 9,
            count,
            count / 8000,
            pulses,
            noise(k),
            noise(k + 9),
        )
    found = described(folder)
    assert {r.channel for r in found.all_samples} == {"column 5"} and {r.rate for r in found.all_samples} == {
        8000.0
    }
    said = finding(found, "facts.speed").cure
    assert "“column 4” looks like the pulses" in said and "data.facts.tachometer='column 4'" in said
    turning = described(folder, "data.facts.tachometer=column 4", "data.windows.length=0.1")
    assert {round(r.speed) for r in turning.all_samples} == {9600}


def test_numbers_of_files_do_not_choose_the_channel(folder: Path) -> None:
    for k in (1, 2):
        for letter in "HIO":
            savemat(
                folder / f"{letter}-A-{k}.mat", {"Channel_1": noise(k), "Channel_2": np.sin(np.arange(N))}
            )
    found = described(folder, "data.facts.rate_hz=8000", "data.facts.speed_rpm=900")
    assert {r.channel for r in found.all_samples} == {"Channel_1"}
    assert found.class_names == ("inner", "normal", "outer") and found.given["data.channel"] == "Channel_1"


def test_of_two_recordings_in_a_file_the_one_with_the_speed_counts(folder: Path) -> None:
    for number in (105, 106, 130):
        more = {"X105_DE_time": noise(5), "X105_FE_time": noise(6)} if number == 106 else {}
        own = {f"X{number}_DE_time": noise(number), f"X{number}_FE_time": noise(1), f"X{number}RPM": 1772.0}
        savemat(folder / f"r{number // 10}.mat" if number != 106 else folder / "again.mat", more | own)
    found = described(folder, "data.windows.length=0.1")
    assert found.channel == "X*_DE_time"
    assert (
        by_name(found, "channel")["again.mat"] == "X106_DE_time"
        and by_name(found, "load")["again.mat"] == "1"
    )


def test_windows_that_were_cut_already_are_no_channels(folder: Path) -> None:
    np.save(folder / "X.npy", np.zeros((600, 512), np.float32))
    found = described(folder)
    assert "600 × 512" in finding(found, "recordings.remark").message and found.has_errors


# ---- labels


@pytest.mark.parametrize(
    ("paths", "labels"),
    [(("underhang/outer_race/6g/13.1", "overhang/ball_fault/0g/13.1", "imbalance/6g/13.1", "normal/13.1"),
      ("outer_race", "ball_fault", "imbalance", "normal")),
     (("a/ball_20_0", "a/inner_20_0", "a/comb_20_0", "a/health_20_0"), ("ball", "inner", "", "normal")),
     (("B500", "I402", "N500", "O504", "IO500"), ("ball", "inner", "normal", "outer", "inner+outer")),
     (("ib600_2", "ob600_2", "tb600_2", "n600_3_2"), ("", "", "", "")),
     (("Bearing1_1/1", "Bearing1_2/1", "Bearing2_1/1"), ("", "", "")),
     (("gut/1", "defekt/1"), ("gut", "defekt")), (("class 1/1", "class 2/1"), ("class 1", "class 2")),
     (("1 Outer race/a", "2 outer Race/b", "3 healthy/c"), ("outer", "outer", "normal")),
     (("inner_outer_1", "inner_2"), ("inner+outer", "inner"))],
)  # fmt: skip
def test_one_rule_labels_a_whole_set(paths: tuple[str, ...], labels: tuple[str, ...], folder: Path) -> None:
    for k, path in enumerate(paths):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        np.save(folder / f"{path}.npy", noise(k))
    found = described(folder, "data.facts.rate_hz=8000", "data.windows.length=0.1")
    assert by_name(found, "label") == {
        f"{p}.npy": label for p, label in zip(paths, labels, strict=True) if label
    }
    if not all(labels):
        said = finding(found, "facts.label")
        assert f"{labels.count('')} recording" in said.message and "data.rename=" in said.cure


def test_labels_are_renamed_and_faulty_rules_refused(folder: Path) -> None:
    for name in ("ib600_2", "ob800_2", "n600_3_2"):
        np.save(folder / f"{name}.npy", noise())
    words = ("data.facts.rate_hz=8000", "data.name_pattern=*{speed}_*")
    found = described(folder, *words, "data.rename=ib*=inner, ob*=outer, n*=normal")
    assert sorted(by_name(found, "label").values()) == ["inner", "normal", "outer"]
    assert sorted(by_name(found, "speed").values()) == [600.0, 600.0, 800.0]
    assert "“ib”" in finding(described(folder, *words, "data.rename=ib"), "labels.rename").message


def test_a_label_that_is_the_part_or_the_folder_can_be_asked_for(folder: Path) -> None:
    for place in ("IR007", "IR014", "OR007"):
        (folder / place).mkdir()
        np.save(folder / place / "a.npy", noise())
    assert described(folder, "data.facts.rate_hz=8000").class_names == ("inner", "outer")
    assert described(folder, "data.facts.rate_hz=8000", "data.facts.label=folder").class_names == (
        "IR007",
        "IR014",
        "OR007",
    )
    assert described(folder, "data.facts.rate_hz=8000", "data.facts.label=part").class_names == (
        "inner",
        "outer",
    )


def test_a_word_that_changes_within_a_file_is_no_label(folder: Path) -> None:
    rows = [f"{v:.5f},{'inner' if k < N // 2 else 'outer'},12000" for k, v in enumerate(noise())]
    (folder / "all.csv").write_text("vib,label,fs\n" + "\n".join(rows), "utf-8")
    rows = [f"{v:.5f},outer,12000" for v in noise()]
    (folder / "one.csv").write_text("vib,label,fs\n" + "\n".join(rows), "utf-8")
    found = described(folder, "data.windows.length=0.01")
    assert by_name(found, "label") == {"one.csv": "outer"} and {r.rate for r in found.all_samples} == {
        12_000.0
    }
    said = finding(found, "recordings.remark")
    assert "“label” changes" in said.message and said.where == ("all.csv",)


@pytest.mark.parametrize(
    ("name", "part"),
    [("IR007_0", "inner"), ("OR007@6_0", "outer"), ("OR", "outer"), ("Day B", ""), ("N15_M07", ""), ("6g", ""),
     ("3 - Seven More Outer Race Fault Conditions", "outer"), ("innerRaceFault", "inner"), ("ball_20_0", "ball"),
     ("ball_bearing_normal_1", "normal"), ("Rolling element bearing", ""), ("inner normal load", "inner")],
)  # fmt: skip
def test_letters_alone_name_a_part_only_as_a_whole_name(name: str, part: str) -> None:
    assert fault_in_name(name) == part


def test_fields_of_numbers_take_the_whole_number() -> None:
    pattern = name_pattern("{label}{speed}_*")
    assert pattern is not None and pattern.read("x/tb1000_2.csv") == {"label": "tb", "speed": "1000"}
    assert fault_of("health") == "normal"


# ---- tables of text


def test_a_line_of_units_and_old_code_pages(folder: Path) -> None:
    times = np.arange(N) / 12_000
    for k, (encoding, label) in enumerate(
        (("cp1252", "Außenring"), ("utf-16", "gesund"), ("utf-8", "Innenring"))
    ):
        rows = [f"{t:.7f};{v:.6f};40,0".replace(".", ",") for t, v in zip(times, noise(k), strict=True)]
        head = "Prüfstand 3\nDrehzahl: 1480 1/min\nZeit;Beschleunigung;Temperatur\n[s];[m/s²];[°C]\n"
        (folder / label).mkdir()
        (folder / label / "Messung.csv").write_bytes((head + "\n".join(rows)).encode(encoding))
    found = described(folder, "data.windows.length=0.1")
    assert {(r.channel, r.rate, r.speed) for r in found.all_samples} == {
        ("Beschleunigung [m/s²]", 12_000.0, 1480.0)
    }
    for k, one in enumerate(sorted(found.all_samples, key=lambda r: r.label != "Außenring")[:1]):
        np.testing.assert_allclose(read_signal(one, 5, 50), noise(k)[5:50], atol=1e-5)


HEADS = {
    "lvm": (
        "LabVIEW Measurement\t\nChannels\t1\t\nDelta_X\t8.333333e-05\t\n***End_of_Header***\t\nX_Value\tVib\tComment\n",
        "\t{}\t",
    ),
    "txt": (
        "DIAHEADERBEGIN\nChannels\t2\nChannelName\tZeit\tVib\nUnit\ts\tg\nSamplingrate\t12000\nDIAHEADEREND\n",
        "0\t{}",
    ),
    "csv": ("Title,ball\nChannels,2\nSampling rate,12 kHz\n\nChannel,1,2\nUnits,V,V\n\n\nData\n", "{},0.5,"),
    "asc": ("Start: 10:00\nRate: 12000\n12\n", "{} 1"),
}


@pytest.mark.parametrize("kind", HEADS)
def test_heads_of_measuring_programs(kind: str, folder: Path) -> None:
    head, row = HEADS[kind]
    values = noise()
    (folder / f"outer_1.{kind}").write_text(head + "\n".join(row.format(f"{v:.6f}") for v in values), "utf-8")
    channel = {"csv": "column 1", "asc": "column 1", "txt": "Vib [g]", "lvm": "Vib"}[kind]
    (one,) = described(folder, "data.windows.length=0.1").all_samples
    assert (one.channel, one.rate, one.length) == (channel, 12_000.0, N)
    np.testing.assert_allclose(read_signal(one), values, atol=1e-5)
    assert recognise(folder) == {"folder": str(folder)}


def test_times_of_the_day_give_the_rate(folder: Path) -> None:
    rows = [f"2024-05-01 12:00:{k / 1000:09.6f},{v:.6f}" for k, v in enumerate(noise())]
    (folder / "outer_1.csv").write_text("stamp,vib\n" + "\n".join(rows), "utf-8")
    (one,) = described(folder, "data.windows.length=0.5").all_samples
    assert (one.channel, one.rate, one.length) == ("vib", 1000.0, N)


def test_files_without_a_suffix_are_read_where_they_hold_numbers(folder: Path) -> None:
    for k in range(3):
        table(folder / "1st_test" / f"2003.10.22.12.{k:02d}.24", "", noise(k), noise(k + 5), mark="\t")
    (folder / "Readme").write_text("Four bearings, 20 kHz.\n" * 300, "utf-8")
    found = described(
        folder, "data.facts.rate_hz=20000", "data.facts.label=folder", "data.windows.length=0.01"
    )
    assert len(found.all_samples) == 3 and {r.length for r in found.all_samples} == {N}
    assert recognise(folder) == {"folder": str(folder)}


def test_kinds_that_cannot_be_read_are_named(folder: Path) -> None:
    for k in range(3):
        (folder / f"a{k}.tdms").write_bytes(b"TDSm" + bytes(99))
    assert (
        "3 × .tdms" in finding(described(folder), "source.no_recordings").message
        and recognise(folder) is None
    )


def test_a_folder_of_pictures_with_a_table_is_none_of_recordings(folder: Path) -> None:
    table(folder / "a.csv", "x,y\n", noise(), noise())
    assert recognise(folder) == {"folder": str(folder)}
    (folder / "b.png").write_bytes(b"\x89PNG")
    assert recognise(folder) is None


# ---- files of many recordings


def test_groups_of_a_file_are_recordings_with_their_own_facts(folder: Path) -> None:
    with h5py.File(folder / "all.h5", "w") as file:
        file.attrs["fs"] = 8000
        for k in range(6):
            group = file.create_group(f"rec_{k:03d}")
            group["vib"] = noise(k)
            group.attrs["label"], group.attrs["rpm"] = ("inner", "outer")[k % 2], 1000.0 + k
    found = described(folder, "data.windows.length=0.1")
    assert {(r.id, r.label, r.speed, r.rate) for r in found.all_samples} == {
        (f"all.h5/rec_{k:03d}", ("inner", "outer")[k % 2], 1000.0 + k, 8000.0) for k in range(6)}  # fmt: skip
    assert len({r.group for r in found.all_samples}) == 6 and found.channel == "*.vib"
    np.testing.assert_allclose(
        read_signal(found.all_samples[0]), noise(int(found.all_samples[0].id[-1])), atol=1e-6
    )
    predicted, _ = recordings_of(
        SourceFile("all.h5", str(folder / "all.h5")), data_options(None, PredictConfig().recordings)
    )
    assert [r.speed for r in predicted] == [1000.0 + k for k in range(6)]


def test_facts_of_a_group_hold_for_what_lies_in_it_only(folder: Path) -> None:
    with h5py.File(folder / "all.h5", "w") as file:
        for k, (label, run) in enumerate((a, b) for a in ("inner", "outer") for b in ("r1", "r2")):
            file[f"{label}/{run}/vib"] = noise(k)
            file[f"{label}/{run}"].attrs["rpm"] = 900.0 + k
        file["inner"].attrs["load"], file["outer"].attrs["load"], file["setup/fs"] = 5.0, 7.0, 8000.0
    found = described(folder, "data.windows.length=0.1")
    assert {(r.id, r.label, r.load, r.speed, r.rate) for r in found.all_samples} == {
        ("all.h5/inner/r1", "inner", "5", 900.0, 8000.0), ("all.h5/inner/r2", "inner", "5", 901.0, 8000.0),
        ("all.h5/outer/r1", "outer", "7", 902.0, 8000.0), ("all.h5/outer/r2", "outer", "7", 903.0, 8000.0)}  # fmt: skip


def test_groups_that_are_parts_name_their_recordings(folder: Path) -> None:
    with h5py.File(folder / "all.h5", "w") as file:
        for label in ("healthy", "inner", "outer"):
            file[f"{label}/acc"] = noise()
    found = described(folder, "data.facts.rate_hz=8000", "data.windows.length=0.1")
    assert by_name(found, "label") == {"all.h5/healthy": "normal", "all.h5/inner": "inner",
                                        "all.h5/outer": "outer"}  # fmt: skip


def test_references_of_matlab_7_3_are_followed(folder: Path) -> None:
    path = folder / "outer_1.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        refs = file.create_group("#refs#")
        refs["a"], refs["b"] = noise(1)[None], noise(2)[None]
        cells = np.array([[refs["a"].ref], [refs["b"].ref]], dtype=h5py.ref_dtype)
        file.create_group("s").create_dataset("vib", data=cells)
        file["fs"] = np.array([[8000.0]])
    with path.open("r+b") as stream:
        stream.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    (one,) = described(folder, "data.windows.length=0.1", "data.channel=s.vib.2").all_samples
    np.testing.assert_allclose(read_signal(one), noise(2), atol=1e-6)
    assert one.rate == 8000.0


# ---- split and the whole way


def test_the_fields_of_a_pattern_are_shown_with_their_values(folder: Path) -> None:
    for k in range(4):
        np.save(folder / f"{('inner', 'outer')[k % 2]}_{k}hp.npy", noise(k))
    np.save(folder / "odd.npy", noise())
    found = described(folder, "data.name_pattern={label}_{load}hp", "data.facts.rate_hz=8000")
    said = finding(found, "names.fields").message
    assert (
        said.startswith("The pattern fits 4 of 5 names.")
        and "label is “inner” in 2, “outer” in 2; load is " in said
    )
    assert finding(found, "names.unmatched").where == ("odd.npy",)


def test_a_rate_that_no_vibration_has_is_asked_about(folder: Path) -> None:
    savemat(folder / "outer_1.mat", {"vib": noise(), "fs": 25.6})
    said = finding(described(folder, "data.windows.length=1"), "facts.odd_rate")
    assert "25.6 Hz" in said.message and "data.facts.rate_hz" in said.cure


def test_one_bearing_on_both_sides_is_said(folder: Path) -> None:
    for label in ("inner", "outer"):
        for k in range(5):
            (folder / f"Bearing {label[0]}").mkdir(exist_ok=True)
            np.save(folder / f"Bearing {label[0]}" / f"{label}_{k}.npy", noise(k))
    words = ("data.name_pattern={bearing}/{label}_*", "data.facts.rate_hz=8000")
    said = finding(described(folder, *words), "split.same_bearing")
    assert "2 bearings" in said.message and said.actions[0].settings == {"data.split.group_by": "bearing"}
    codes = {f.code for f in described(folder, *words, "data.split.group_by=bearing").findings}
    assert "split.same_bearing" not in codes


def test_a_rate_for_all_is_not_the_cure_where_some_are_known(folder: Path) -> None:
    for k in range(3):
        more = {"fs": 8000.0} if k else {}
        savemat(folder / f"{('inner', 'outer', 'inner')[k]}_{k}.mat", {"vib": noise(k), **more})
    said = finding(described(folder), "facts.rate")
    assert "would give one value to all" in said.cure and [a.kind for a in said.actions] == ["exclude"]


def test_the_rule_names_the_fault_from_what_was_understood(folder: Path) -> None:
    """Rate, speed, label and geometry fit together: four layouts, the same impulses."""
    for k, part in enumerate(("inner", "outer", "ball")):
        signal = wave(part, k)
        times = np.arange(len(signal)) / RATE
        savemat(folder / f"{part}_1.mat", {"b": {"sr": float(RATE), "gs": signal, "rate": SPEED / 60}})
        table(folder / f"{part}_{SPEED:.0f}rpm_2.csv", "Zeit;Vib\n[ms];[g]\n", times * 1000, signal, mark=";")
        with h5py.File(folder / f"{part}_3.h5", "w") as file:
            file["m/vib"], file["m/time"] = signal, times
            file.attrs["shaft_frequency"] = SPEED / 60
        wavfile.write(folder / f"{part}_{SPEED:.0f}rpm_4.wav", RATE, (signal * 5000).astype(np.int16))
    found = described(folder, "data.channel=gs,Vib [g],vib,channel 1")
    rule = EnvelopeRule(known_bearing(BEARING_MODEL))
    assert len(found.all_samples) == 12 and {(r.rate, r.speed) for r in found.all_samples} == {(RATE, SPEED)}
    for one in found.all_samples:
        windows = np.stack([w.read() for w in WindowIndex([one], WindowShape(RATE, RATE, RATE))])
        assert rule.verdict(windows, rate=one.rate, speed_rpm=one.speed).part == one.label == fault_of(one.id)
