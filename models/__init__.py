"""Events, validation, views, panes and windows: pure code without Faust and without I/O."""
