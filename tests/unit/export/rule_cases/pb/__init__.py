"""What the rules for the `.pb` importer are tested with: one file per theme, as in `harness/export/rules/pb/`."""
