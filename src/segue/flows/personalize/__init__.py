"""Amazon Personalize: data sets to S3, imports, trainings, campaigns, and what they cost."""
