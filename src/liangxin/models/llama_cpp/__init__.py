"""Models in process through llama.cpp: answers, likelihoods, the weights from a package."""
