-- A copy that decides would be one that can be changed, or put back to an older version.
DROP TABLE access.policy;
