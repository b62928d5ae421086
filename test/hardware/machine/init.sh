#!/bin/busybox sh
# First program of the virtual machine: loads modules, makes the host's files its own (read-only), then runs the
# commands that come over the second serial port, each line `ID COMMAND`, answered by `ID EXIT-CODE BASE64-OUTPUT`.
/bin/busybox mkdir -p /proc /sys /dev /host
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
while read -r module; do insmod "/modules/$module" || echo "module $module failed"; done < /modules/order
mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=262144 host /host
mkdir -p /dev/pts && mount -t devpts devpts /dev/pts
for folder in proc sys dev dev/pts; do mount --bind "/$folder" "/host/$folder"; done
mount -t tmpfs tmpfs /host/tmp
mount -t tmpfs tmpfs /host/run
# What survives a power cut.
mount -t ext4 /dev/vda /host/mnt || echo 'no state disk'
ip link set lo up
ip addr add 10.0.2.15/24 dev eth0 && ip link set eth0 up && ip route add default via 10.0.2.2
mkdir -p /host/run/udev/rules.d
for rule in /rules/*.rules; do cp "$rule" /host/run/udev/rules.d/; done
chroot /host /lib/systemd/systemd-udevd --daemon
stty -F /dev/ttyS1 raw -echo
exec < /dev/ttyS1
echo 'ready' > /dev/ttyS1
while read -r id command; do
  (
    out="/host/tmp/command-$id"
    chroot /host /bin/sh -c "$command" > "$out" 2>&1 < /dev/null
    printf '%s %s %s\n' "$id" "$?" "$(base64 "$out" | tr -d '\n')" > "/answer-$id"
    # One after the other, so that answers of commands that end together do not mix.
    until mkdir /answering 2> /dev/null; do sleep 0.05; done
    cat "/answer-$id" > /dev/ttyS1
    rmdir /answering
    rm -f "$out" "/answer-$id"
  ) &
done
