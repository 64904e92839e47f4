"""Ships orders, one after the other."""

from common.store import Store

store = Store()
print("等待订单")
while True:
    order = store.next()
    store.save({**order, "state": "shipped"})
    print(f"订单 {order['number']} 已发货")
