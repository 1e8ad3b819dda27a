"""Tuning a training: a study of Optuna's that ends with a model trained on the best settings."""
