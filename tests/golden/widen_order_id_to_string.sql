ALTER TABLE `demo`.`analytics`.`orders` ALTER COLUMN IF EXISTS `order_id` SET DATA TYPE STRING
