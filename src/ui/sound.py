"""The sound device of this machine. Qt's multimedia part is imported late: some systems do not have what it needs."""

from __future__ import annotations

from typing import Any, Protocol

from PyQt5.QtCore import QFile, QIODevice, QObject

#: Asked for first: every device of the last twenty years has it.
_USUAL_RATE = 48_000


class Output(Protocol):
    """Plays files of signed 16-bit samples.

    Attributes:
        rate, channels: What the device takes, in Hz, and how many channels.
    """

    rate: int
    channels: int

    def start(self, path: str) -> None:
        """Play a file from its beginning."""

    def position(self) -> float | None:
        """Seconds that were heard; None where nothing plays any more."""

    def stop(self) -> None:
        """Be silent and let go of the file."""


def find_output(parent: QObject) -> tuple[Output | None, str]:
    """The device that plays, or None and the reason."""
    try:
        from PyQt5 import QtMultimedia as media
    except ImportError as error:
        return None, f"Listening needs Qt's multimedia part, which cannot be used here: {error}."
    device = media.QAudioDeviceInfo.defaultOutputDevice()
    if device.isNull():
        return None, "This machine has no sound device."
    wanted = device.preferredFormat()
    for rate in (_USUAL_RATE, wanted.sampleRate()):
        for channels in (1, max(1, wanted.channelCount())):
            made = _format(media, rate, channels)
            if device.isFormatSupported(made):
                return _QtOutput(media, device, made, parent), ""
    return None, f"The sound device {device.deviceName()} takes no 16-bit samples."


def _format(media: Any, rate: int, channels: int) -> Any:
    made = media.QAudioFormat()
    made.setSampleRate(rate)
    made.setChannelCount(channels)
    made.setSampleSize(16)
    made.setCodec("audio/pcm")
    made.setByteOrder(media.QAudioFormat.LittleEndian)
    made.setSampleType(media.QAudioFormat.SignedInt)
    return made


class _QtOutput:
    """See `Output`."""

    def __init__(self, media: Any, device: Any, wanted: Any, parent: QObject) -> None:
        self._media, self._device, self._format, self._parent = media, device, wanted, parent
        self.rate, self.channels = wanted.sampleRate(), wanted.channelCount()
        self._output: Any = None
        self._file: QFile | None = None

    def start(self, path: str) -> None:
        self.stop()
        self._file = QFile(path)
        self._file.open(QIODevice.ReadOnly)
        self._output = self._media.QAudioOutput(self._device, self._format, self._parent)
        self._output.start(self._file)

    def position(self) -> float | None:
        output = self._output
        if output is None or output.state() in (
            self._media.QAudio.StoppedState,
            self._media.QAudio.IdleState,
        ):
            return None
        waiting = self._format.durationForBytes(max(0, output.bufferSize() - output.bytesFree()))
        return float(max(0, output.processedUSecs() - waiting)) / 1e6

    def stop(self) -> None:
        output, self._output = self._output, None
        if output is not None:
            output.stop()
            output.deleteLater()
        if self._file is not None:
            self._file.close()
            self._file = None
