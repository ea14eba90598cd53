"""What becomes of a model's output on new images: masks, objects, tables, and a person's decisions. Torch-free.

``images`` finds the images, ``watching`` waits for new ones, ``crf`` refines and ``postprocess`` corrects masks (``runs``
and ``regions`` find connected regions in bounded memory), ``objects`` describes them, ``pictures`` and ``tables`` write
them, ``index`` remembers what is done, ``results`` is the folder of all this, ``decisions`` holds what a person accepted,
``datasets`` makes data sets of accepted and of confident masks, ``ranking`` chooses what to label next, ``report`` is the page.
`docs/prediction.md` describes the files.
"""
