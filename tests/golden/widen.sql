ALTER TABLE `demo`.`analytics`.`orders` ALTER COLUMN IF EXISTS `sequence` SET DATA TYPE NUMERIC
