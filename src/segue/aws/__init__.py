"""Speaking to AWS: clients, what their errors mean, and Amazon Personalize."""
