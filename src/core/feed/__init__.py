"""The torch room that carries images from files to the model.

``geometry`` and ``colour`` are the operations, ``augment`` draws and composes them, ``dataset`` turns an
index into an image and a mask, ``loader`` makes ordered batches with threads or processes, ``normalise``
turns uint8 into floats on the device. The first four need only numpy and OpenCV.
"""
