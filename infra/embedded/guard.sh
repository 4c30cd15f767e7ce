#!/bin/sh
# Runs one program over one private folder, and sees to it that neither outlives its owner.
#
# usage: guard.sh <folder> <signal> <grace in tenths of a second> <program> [argument ...]
#
# The owner holds the other end of standard input. When that end closes, because the owner asks for it or because it is
# gone (kill -9 included), the program gets the signal, after the grace SIGKILL, and the folder is removed. When the
# program ends by itself, "ended <status>" is printed, and the folder, with the log in it, stays until the owner has
# read it: the word "keep" leaves it in place for the next guard, the end of the input removes it.

folder=$1 signal=$2 grace=$3
shift 3
exec 3<&0 </dev/null

"$@" 3<&- >>"$folder/log" 2>&1 &
program=$!

# Where this shell was killed, nobody may ever collect what the program leaves behind: a dead process in the list, which
# Linux marks with a Z.
is_running() {
  kill -s 0 "$program" || return 1
  state=
  [ ! -r "/proc/$program/stat" ] || read -r _ _ state _ <"/proc/$program/stat"
  [ "$state" != Z ]
}

end_with_owner() {
  while read -r _; do :; done <&3
  kill -s "$signal" "$program"
  while [ "$grace" -gt 0 ] && is_running; do
    sleep 0.1
    grace=$((grace - 1))
  done
  kill -s KILL "$program"
  rm -rf "$folder"
}
# A process of its own, so that it still does its work when this shell is killed.
end_with_owner >/dev/null 2>&1 &
watcher=$!

wait "$program"
status=$?
# From here on the program's number may belong to another one: the watcher must not signal it, nor eat the next word.
kill "$watcher" 2>/dev/null
wait "$watcher"

# In a shell of its own: the owner may be gone, and writing to it would be the end of this one.
(echo "ended $status") 2>/dev/null
read -r word <&3
[ "$word" = keep ] || rm -rf "$folder"
