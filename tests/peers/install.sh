#!/bin/sh
# Installs what the tests speak to, where it can; says loudly what it cannot. Tests that lack their peer skip.
missing=""
for pair in Orthanc:orthanc libOrthancDicomWeb:orthanc-dicomweb dcmqrscp:dcmtk sshd:openssh-server postgres:postgresql \
  pixelmed.jar:pixelmed-apps chromium:chromium glewlwyd:glewlwyd; do
  program=${pair%%:*} package=${pair#*:}
  case $program in
    Orthanc | sshd) test -x "/usr/sbin/$program" ;;
    libOrthancDicomWeb) ls /usr/share/orthanc/plugins/libOrthancDicomWeb* >/dev/null 2>&1 ;;
    pixelmed.jar) test -e /usr/share/java/pixelmed.jar ;;
    postgres) ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 ;;
    *) test -x "/usr/bin/$program" ;;
  esac || missing="$missing $package"
done
test -z "$missing" && exit 0
echo "*** the tests' real peers are missing:$missing"
if command -v apt-get >/dev/null && test "$(id -u)" = 0; then
  apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $missing >/dev/null ||
    echo "*** not all could be installed: tests that need them WILL BE SKIPPED"
  exit 0
fi
echo "*** cannot install them here (needs apt-get and root): tests that need them WILL BE SKIPPED"
