"""What people use today to get a topic into BigQuery, each as its documentation shows and as well as it can be set."""
