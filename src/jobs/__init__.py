"""What child processes run. Only here do the engine, the tasks and the run folder come together."""
