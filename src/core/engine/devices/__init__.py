"""Training on several devices, one process each: what the loop asks of them, and Lightning Fabric behind it.

``group.py`` is the interface, and its answer for one device, which costs nothing; ``fabric_group.py`` is that for several.
``connecting.py`` and ``meeting.py`` alone import Fabric; ``channel.py`` is what the processes tell each other once an update;
``shards.py`` their parts of the batches; ``sync_norm.py`` batch norm over all of them; ``parts.py`` and ``led.py`` are for
weights of which each holds a part (FSDP).
"""
