-- Version 4: finding what a digest is of, and who made and used it.

-- Who made an output.
CREATE INDEX outputs_by_digest ON outputs (tenant, digest);

-- Which runs read a dataset or a file.
CREATE INDEX datasets_by_digest ON datasets (tenant, table_digest);
CREATE INDEX dataset_files_by_digest ON dataset_files (tenant, digest);

-- Which stages used a component.
CREATE INDEX stages_by_component ON stages (tenant, component);

-- Which runs ran a pipeline file.
CREATE INDEX runs_by_file ON runs (tenant, pipeline_digest);
