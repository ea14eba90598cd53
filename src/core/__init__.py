"""What a run is and how it is carried out. No Qt anywhere.

Torch-free rooms (the windows and the command line import these): ``config``, ``run``, ``dataset``.
Torch rooms (only child processes and users of the Python API import these): ``engine``, ``feed``,
``segmentation_dataset`` and ``model_trainer``.
"""
