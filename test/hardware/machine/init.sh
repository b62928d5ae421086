#!/bin/busybox sh
# First program of the virtual machine: loads modules, shows the host's files as its own, so that what is written
# stays in its memory, then runs the commands that come over the second serial port, each line `ID COMMAND`, answered
# by `ID EXIT-CODE BASE64-OUTPUT`.
/bin/busybox mkdir -p /proc /sys /dev /lower /upper /host
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
while read -r module; do insmod "/modules/$module" || echo "module $module failed"; done < /modules/order
mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=262144 host /lower
mount -t tmpfs tmpfs /upper
mkdir /upper/files /upper/work
mount -t overlay -o lowerdir=/lower,upperdir=/upper/files,workdir=/upper/work overlay /host
mkdir -p /dev/pts && mount -t devpts devpts /dev/pts
for folder in proc sys dev dev/pts; do mount --bind "/$folder" "/host/$folder"; done
mount -t tmpfs tmpfs /host/tmp
mount -t tmpfs tmpfs /host/run
# The checkout, as if installed: no user of the machine has to be let into the folder where it lies.
mkdir -p /host/usr/lib/vlt-kiosk && mount --bind "/lower$checkout" /host/usr/lib/vlt-kiosk
mount --bind /cache /host/usr/lib/vlt-kiosk/var/hardware/compile-cache
# In one go: page by page, as it is run, it takes three times as long.
cat /host/usr/lib/vlt-kiosk/node_modules/node/bin/node > /dev/null &
# What survives a power cut.
mount -t ext4 /dev/vda /host/mnt || echo 'no state disk'
ip link set lo up
ip addr add 10.0.2.15/24 dev eth0 && ip link set eth0 up && ip route add default via 10.0.2.2
# In a chroot udevadm does nothing, and says that all is well.
export SYSTEMD_IGNORE_CHROOT=1
chroot /host /lib/systemd/systemd-udevd --daemon
stty -F /dev/ttyS1 raw -echo
answer() {
  chroot /host /bin/sh -c "$2" > "/output-$1" 2>&1 < /dev/null
  printf '%s %s %s\n' "$1" "$?" "$(base64 "/output-$1" | tr -d '\n')" > "/answer-$1"
  # One after the other, so that answers of commands that end together do not mix.
  until mkdir /answering 2> /dev/null; do sleep 0.05; done
  cat "/answer-$1" > /dev/ttyS1
  rmdir /answering
  rm -f "/output-$1" "/answer-$1"
}
serve() {
  echo 'ready' > /dev/ttyS1
  # No child of this shell runs while it reads: one that ends then costs the line.
  while read -r id command; do (answer "$id" "$command" &); done
}
serve < /dev/ttyS1 &
# The children whose parents have ended are the first program's.
while :; do wait; sleep 1; done
