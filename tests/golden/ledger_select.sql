SELECT * FROM `demo`.`analytics`.`orders__ledger` WHERE pipeline = 'cluster-1/shop.orders'
