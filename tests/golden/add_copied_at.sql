ALTER TABLE `demo`.`analytics`.`orders__dead_letters` ADD COLUMN IF NOT EXISTS `copied_at` TIMESTAMP
