"""Files, disks, processes and the terminal: no word about rendering."""
