"""The seven stations and their driver."""
