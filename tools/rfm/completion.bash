# SPDX-License-Identifier: GPL-2.0
# bash completion for rfm(8): verbs, the options that a verb's help names, and
# the names of subOSes.
_rfm() {
	local cur=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]} words

	if ((COMP_CWORD == 1)); then
		words=$(rfm --help 2>/dev/null | awk '/^  [a-z]/ { print $1 }')
	elif [[ $cur == -* ]]; then
		words=$(rfm "$verb" --help 2>/dev/null | grep -oE -- '--[a-z-]+')
	else
		words=$(rfm list 2>/dev/null | awk 'NR > 1 { print $1 }')
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
	((${#COMPREPLY[@]})) || mapfile -t COMPREPLY < <(compgen -f -- "$cur")
}
complete -F _rfm rfm
