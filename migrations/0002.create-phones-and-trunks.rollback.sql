DROP TABLE dids, phones, trunks;
