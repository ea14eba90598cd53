"""Readers of signals: what is in a file of each format, parts of its channels, and files that are broken."""

from __future__ import annotations

import sys
import tracemalloc
import wave
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy.io import savemat, wavfile

from src.tasks.bearing.files import (
    FileFacts,
    UnreadableSignalError,
    inspect_file,
    large_matlab,
    matlab,
    read_channel,
    spool,
)

N = 5000
RATE = 12_800


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "workspace", lambda: tmp_path / "workspace")


@pytest.fixture
def signal() -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.2, N).clip(-0.99, 0.99).astype(np.float32)


def mat_v5(path: Path, signal: np.ndarray) -> str:
    savemat(path, {"vib_x": signal[:, None].astype(float), "fs": RATE, "rpm": 1500.0, "note": "Lüfter"})
    return "vib_x"


def mat_compressed(path: Path, signal: np.ndarray) -> str:
    savemat(path, {"vib_x": signal[None], "fs": RATE, "rpm": 1500.0}, do_compression=True)
    return "vib_x"


def mat_struct(path: Path, signal: np.ndarray) -> str:
    savemat(path, {"bearing": {"gs": signal, "sr": RATE, "rate": 25.0, "rpm": 1500.0}})
    return "bearing.gs"


def mat_v73(path: Path, signal: np.ndarray) -> str:
    with h5py.File(path, "w", userblock_size=512) as file:
        file["vib_x"] = signal[None].astype(float)
        file["vib_x"].attrs["MATLAB_class"] = np.bytes_("double")
        file["fs"], file["rpm"] = np.array([[RATE]]), np.array([[1500.0]])
        file["note"] = np.array([[ord(c)] for c in "Lüfter"], np.uint16)
        file["note"].attrs["MATLAB_class"] = np.bytes_("char")
        file.create_group("#refs#")["a"] = np.zeros(99)
    with path.open("r+b") as stream:
        stream.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    return "vib_x"


def hdf5(path: Path, signal: np.ndarray) -> str:
    with h5py.File(path, "w") as file:
        file.create_dataset(
            "run/acc", data=np.stack([signal * 0, signal], axis=1), chunks=True, compression="gzip"
        )
        file["run"].attrs["fs"], file["run"].attrs["rpm"] = RATE, 1500.0
        file["run/again"] = h5py.SoftLink("/run")  # back to itself
        file["elsewhere"] = h5py.ExternalLink("/etc/other.h5", "/x")
    return "run.acc[2]"


def npy(path: Path, signal: np.ndarray) -> str:
    np.save(path, np.stack([signal, signal * 2], axis=1))
    return "signal[1]"


def wav_float(path: Path, signal: np.ndarray) -> str:
    wavfile.write(path, RATE, np.stack([signal * 0, signal], axis=1))
    return "channel 2"


def wav_16(path: Path, signal: np.ndarray) -> str:
    wavfile.write(path, RATE, np.round(signal * 2**15).astype(np.int16))
    return "channel 1"


def wav_24(path: Path, signal: np.ndarray) -> str:
    with wave.open(str(path), "wb") as stream:
        stream.setparams((1, 3, RATE, N, "NONE", ""))
        stream.writeframes(
            np.round(signal * 2**23).astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
        )
    return "channel 1"


def csv_times(path: Path, signal: np.ndarray) -> str:
    rows = [f"{k / RATE:.8f},{v:.7f},1500" for k, v in enumerate(signal)]
    path.write_text("# sensor: Lüfter\ntime [s],Schwingung,rpm\n" + "\n".join(rows) + "\n", "utf-8")
    return "Schwingung"


def csv_german(path: Path, signal: np.ndarray) -> str:
    rows = [f"{v:.7f};0".replace(".", ",") for v in signal]
    head = f"fs = {RATE}\r\nrpm = 1500\r\nvib;other\r\n"
    path.write_bytes((head + "\r\n".join(rows)).encode())
    return "vib"


def csv_bare(path: Path, signal: np.ndarray) -> str:
    path.write_text("\n".join(f"{v:.7f}" for v in signal), "utf-8")
    return "column 1"


def parquet(path: Path, signal: np.ndarray) -> str:
    arrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    import pyarrow.parquet

    times = np.arange(N) / RATE
    table = arrow.table({"time": times, "vib": signal, "rpm": np.full(N, 1500.0), "label": ["inner"] * N})
    pyarrow.parquet.write_table(table, path, row_group_size=700)
    return "vib"


MAKERS: dict[str, Callable[[Path, np.ndarray], str]] = {
    "v5.mat": mat_v5, "compressed.mat": mat_compressed, "struct.mat": mat_struct, "v73.mat": mat_v73, "Gehäuse.h5": hdf5,
    "a.npy": npy, "float.wav": wav_float, "short.wav": wav_16, "wide.wav": wav_24, "times.csv": csv_times,
    "german.csv": csv_german, "bare.txt": csv_bare, "a.parquet": parquet,
}  # fmt: skip


@pytest.mark.parametrize("name", MAKERS)
def test_any_part_of_a_channel_is_that_part_of_the_signal(
    name: str, tmp_path: Path, signal: np.ndarray
) -> None:
    path = tmp_path / name
    channel = MAKERS[name](path, signal)
    assert inspect_file(path).channels[channel] == N
    for start, stop in ((0, N), (1234, 1300), (N - 5, N + 50), (7, 7)):
        part = read_channel(path, channel, start, stop)
        assert part.dtype == np.float32 and part.ndim == 1
        np.testing.assert_allclose(part, signal[start:stop], atol=2e-5)


@pytest.mark.parametrize("name", sorted(set(MAKERS) - {"a.npy", "bare.txt"}))
def test_rate_and_speed_stand_in_the_file(name: str, tmp_path: Path, signal: np.ndarray) -> None:
    path = tmp_path / name
    MAKERS[name](path, signal)
    facts = inspect_file(path)
    rates = [v for k, v in facts.values.items() if k.rpartition(".")[2] in ("fs", "sr")]
    assert (facts.rate or rates[0]) == RATE
    if not name.endswith("wav"):
        assert next(v for k, v in facts.values.items() if k.endswith("rpm")) == 1500


def test_texts_of_both_matlab_versions_are_values(tmp_path: Path, signal: np.ndarray) -> None:
    mat_v5(tmp_path / "a.mat", signal)
    mat_v73(tmp_path / "b.mat", signal)
    assert (
        inspect_file(tmp_path / "a.mat").values["note"]
        == inspect_file(tmp_path / "b.mat").values["note"]
        == "Lüfter"
    )


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int16])
def test_large_matlab_files_are_read_in_parts(
    compressed: bool, kind: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matlab, "SMALL", 0)
    monkeypatch.setattr(large_matlab, "_PIECE", 1000)
    values: np.ndarray = (np.random.default_rng(1).normal(0, 1000, (N, 2))).astype(kind)
    savemat(
        tmp_path / "a.mat", {"first": np.zeros(3), "both": values, "s": {"x": 1}}, do_compression=compressed
    )
    monkeypatch.setattr("scipy.io.loadmat", None)  # the whole is never asked for
    part = read_channel(tmp_path / "a.mat", "both[2]", 100, 4000)
    np.testing.assert_array_equal(part, values[100:4000, 1].astype(np.float32))


def test_a_long_array_is_read_without_loading_it(tmp_path: Path) -> None:
    long = np.lib.format.open_memmap(tmp_path / "hour.npy", "w+", np.float32, (20_000_000,))
    long[-10:] = 3
    del long
    tracemalloc.start()
    try:
        assert read_channel(tmp_path / "hour.npy", "signal", 19_999_990, 20_000_000).sum() == 30
        assert tracemalloc.get_traced_memory()[1] < 5e6
    finally:
        tracemalloc.stop()


def test_a_long_table_is_parsed_once(
    tmp_path: Path, signal: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("src.tasks.bearing.files.text.SMALL", 0)
    path = tmp_path / "a.csv"
    csv_german(path, signal)
    np.testing.assert_allclose(read_channel(path, "vib", 10, 20), signal[10:20], atol=1e-6)
    monkeypatch.setattr("src.tasks.bearing.files.text._parse", None)
    np.testing.assert_allclose(read_channel(path, "vib", 4000, 4010), signal[4000:4010], atol=1e-6)


def test_numbers_that_are_none_come_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("vib,b\n1,2\nNA,2\n,3\nnan,4\n5,6\n", "utf-8")
    part = read_channel(tmp_path / "a.csv", "vib", 0, 5)
    assert np.isnan(part[1:4]).all() and part[0] == 1 and part[4] == 5


def test_a_fault_in_a_table_is_named_by_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("vib,b\n" + "1,2\n" * 20 + "oops,3\n", "utf-8")
    with pytest.raises(UnreadableSignalError, match=r"line 22.*oops"):
        read_channel(tmp_path / "a.csv", "vib", 0, 50)


@pytest.mark.parametrize("name", sorted({Path(name).suffix for name in MAKERS}))
@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 600, b"no signal at all", b"\x93NUMPY\x01\x00\xff\xff", b"RIFF\xff\xff\xff\xffWAVEfmt "],
)
def test_broken_files_are_refused_in_words(name: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"broken{name}"
    path.write_bytes(content)
    try:
        assert not inspect_file(path).channels
    except UnreadableSignalError as error:
        assert len(str(error)) > 10


@pytest.mark.parametrize("name", ["v5.mat", "compressed.mat", "v73.mat", "a.npy", "wide.wav", "Gehäuse.h5"])
def test_files_that_are_cut_off_do_not_crash(name: str, tmp_path: Path, signal: np.ndarray) -> None:
    path = tmp_path / name
    channel = MAKERS[name](path, signal)
    whole = path.read_bytes()
    for share in (0.02, 0.3, 0.9):
        path.write_bytes(whole[: int(len(whole) * share)])
        try:
            inspect_file(path)
            part = read_channel(path, channel, 0, N)
        except UnreadableSignalError:
            continue
        assert len(part) <= N


def test_claims_of_a_size_are_not_believed(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "bomb.h5", "w") as file:
        file.create_dataset("huge", shape=(10**12,), dtype="f8", chunks=(1024,))
    assert inspect_file(tmp_path / "bomb.h5").channels == {}
    head = (
        b"\x93NUMPY\x01\x00v\x00"
        + b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }".ljust(117)
        + b"\n"
    )
    (tmp_path / "bomb.npy").write_bytes(head + b"\0" * 80)
    with pytest.raises(UnreadableSignalError):
        inspect_file(tmp_path / "bomb.npy")


def test_pickled_objects_are_never_run(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{"x": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(UnreadableSignalError):
        inspect_file(tmp_path / "a.npy")


def test_names_of_channels_are_told_apart() -> None:
    facts = FileFacts()
    facts.add("m", np.zeros((3, 500)))
    facts.add("s", {"x": np.arange(9.0), "k": 3, "t": "text"})
    assert facts.channels == {"m[1]": 500, "m[2]": 500, "m[3]": 500, "s.x": 9}
    assert facts.values == {"s.k": 3.0, "s.t": "text"}


def test_parquet_without_its_library_is_refused_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    for read in (inspect_file, lambda path: read_channel(path, "vib", 0, 5)):
        with pytest.raises(UnreadableSignalError, match="pip install"):
            read(tmp_path / "a.parquet")
