-- A cap that is below its bound again, after a correction, can be reached and told once more.
GRANT DELETE ON rating.notice TO hoeksteen_app;
