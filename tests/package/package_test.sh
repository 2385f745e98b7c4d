#!/usr/bin/env bash
# Installs the build into an empty prefix, then configures, builds and runs the program in consumer/
# with nothing but that prefix. Usage: package_test.sh BUILD_DIR SOURCE_DIR CMAKE GENERATOR COMPILER
set -eu
build=$1 source=$2 cmake=$3 generator=$4 compiler=$5
work=$(mktemp -d)
trap 'rm -rf "$work"; [ "${done:-}" = yes ] || echo "0 passed, 1 failed"' EXIT

"$cmake" --install "$build" --prefix "$work/prefix" >"$work/install.log" ||
    { cat "$work/install.log"; exit 1; }
if grep -rIl -e "$source" -e "$build" "$work/prefix" --include='*.cmake' --include='*.h'; then
    echo "the package names the folder it was built in"
    exit 1
fi
cp -r "$source/tests/package/consumer" "$work/consumer"
"$cmake" -S "$work/consumer" -B "$work/build" -G "$generator" -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_PREFIX_PATH="$work/prefix"
"$cmake" --build "$work/build"
"$work/build/consumer"

# The plug-in of examples/ builds with the package alone, too, and the installed program runs it.
cp -r "$source/examples/plugin" "$work/plugin"
"$cmake" -S "$work/plugin" -B "$work/plugin-build" -G "$generator" -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_PREFIX_PATH="$work/prefix"
"$cmake" --build "$work/plugin-build"
"$work/prefix/bin/poco-socketio" --check --config "$work/prefix/etc/poco-socketio/poco-socketio.properties"
coproc "$work/prefix/bin/poco-socketio" --listen http://127.0.0.1:0 \
    --app "$work/plugin-build/libchat_plugin.so"
program=$COPROC_PID
read -r -t 60 line <&"${COPROC[0]}" || line="nothing"
kill "$program"
wait "$program" || line="a failure after: $line"
case $line in
    "serving on "*) ;;
    *) echo "the installed program with the plug-in said: $line" && exit 1 ;;
esac
done=yes
