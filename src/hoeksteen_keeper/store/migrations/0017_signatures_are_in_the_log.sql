-- Who signed a grant or a change, and who reviewed a break-glass, is read off the log (docs/decisions/0021); a copy here could only differ.
DROP TABLE access.approval;
DROP TABLE access.change_approval;
DROP TABLE access.review;
