"""Korean text: analysers, and pipelines that prepare sentences for a model."""
