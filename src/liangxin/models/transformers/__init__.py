"""Models in process through transformers: files, loading, generation, likelihoods."""
