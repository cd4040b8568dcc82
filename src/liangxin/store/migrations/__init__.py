"""The long ones of the migrations that `liangxin.store.schema` numbers; a landed one is never edited."""
