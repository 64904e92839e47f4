"""How long ago something was, as people say it."""


def ago(seconds):
    """Return words such as 刚刚, 5 分钟前, 2 小时前, 3 天前."""
    if seconds < 60:
        return "刚刚"
    if seconds < 3600:
        return f"{int(seconds // 60)} 分钟前"
    if seconds < 86400:
        return f"{int(seconds // 3600)} 小时前"
    return f"{int(seconds // 86400)} 天前"
