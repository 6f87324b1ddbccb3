#!/bin/bash
# Say what machine this is, with bash's own means. Run in a subOS by the demo.
echo "I am $HOSTNAME: $(</proc/sys/kernel/ostype) $(</proc/sys/kernel/osrelease), bash $BASH_VERSION"
echo "CPUs:    $(</sys/devices/system/cpu/online)"
for node in /sys/devices/system/node/node*; do
	read -r _ _ _ kb _ <"$node/meminfo"
	echo "node ${node##*node}:  CPUs $(<"$node/cpulist"), $((kb / 1024)) MiB"
done
echo "sha256:  $(sha256sum /bin/bash)"
read -r line
echo "told:    $line"
