"""The site: browse runs, annotate, adjudicate, attack. Routes and pages only; the work is in `annotation`."""
