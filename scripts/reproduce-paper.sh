#!/usr/bin/env bash
# The whole paper in one command: every experiment, and a page that shows which claims hold.
set -euo pipefail
usage() {
    cat <<'TEXT'
scripts/reproduce-paper.sh [--quick | --standard | --full] [settings]

  --quick      10 minutes on 2 cores, without a GPU
  --standard   the default: at most 2 hours on 2 cores, enough seeds and steps for every verdict
    --full       the paper's design: 50,000 steps at batch size 2,048, 3 seeds; about 5 hours on 2 cores (printed first)

It writes outputs/paper/<size>/report.html and report.md. It can be stopped at any moment; the same command resumes.
Settings are those of `drift paper` (scripts/drift paper --help lists them): parts=[fig1,fig2], report=true.
TEXT
}
size=standard settings=()
for word in "$@"; do
    case $word in
    --quick | --standard | --full) size=${word#--} ;;
    -h | --help)
        usage
        exit
        ;;
    -*)
        echo "reproduce-paper.sh: unknown flag \"$word\". Available: --quick, --standard and --full." >&2
        exit 2
        ;;
    *=*) settings+=("$word") ;;
    *)
        echo "reproduce-paper.sh: \"$word\" is not a setting (key=value). Sizes: --quick, --standard and --full." >&2
        exit 2
        ;;
    esac
done
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
set_up ""
exec "$venv/bin/drift" paper "size=$size" ${settings[@]+"${settings[@]}"}
