"""The Python API: the same runs, identities and defaults as the command line. `import liangxin` hands it on."""
