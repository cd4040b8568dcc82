"""Labels in and out: files of labels, a sheet for people without a browser, Label Studio."""
