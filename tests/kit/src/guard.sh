# Runs a server for as long as somebody wants it, and ends it when nobody does.
#
#   sh guard.sh FOLDER LINGER PROGRAM ARGS…
#
# Who wants the server holds a shared lock on FOLDER/users. The kernel drops such a lock when its process ends, however
# it ends: so nothing is left behind by a test that was killed. LINGER is how many seconds the server outlives its last
# user, so that the next test process finds it warm. A FOLDER with a file `temporary` goes with the server.
folder=$1 linger=$2
shift 2
# Should this guard itself be killed, the kernel ends the server too, where it can.
command -v setpriv >/dev/null 2>&1 && set -- setpriv --pdeathsig KILL "$@"
"$@" </dev/null >>"$folder/log" 2>&1 &
server=$!
echo "$server" >"$folder/pid"
(
  while :; do
    flock -x 9
    [ "$linger" = 0 ] && break
    flock -u 9
    sleep "$linger"
    flock -x -n 9 && break
  done
  # Holding the lock alone: no user is left, and none can come before everything is cleared away.
  serves() { [ "$(cat "$folder/pid" 2>/dev/null)" = "$server" ]; }
  if serves; then
    kill -KILL "$server" 2>/dev/null
    while serves; do sleep 0.05; done
  elif [ -e "$folder/pid" ]; then
    # The server ended by itself, its start was tried again, and the successor has a guard of its own.
    exit
  fi
  [ -e "$folder/temporary" ] && rm -rf "$folder"
) 9>>"$folder/users" &
wait "$server"
rm -f "$folder/address" "$folder/pid"
