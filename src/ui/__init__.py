"""Windows, dialogs, widgets and the theme. No torch anywhere: jobs run in child processes."""
