namespace VirtSecurity.Tests.Domain.Model;

/// <summary>libvirt's and xl's files, and udev's links.</summary>
internal sealed partial class ModelMachine
{
    /// <summary>Guests' definitions: path to text.</summary>
    public Dictionary<string, string> Definitions { get; } = [];

    /// <summary>A guest with one disk, as libvirt keeps it; a running one has a second file.</summary>
    public void DefineGuest(string name, string disk, bool running = false)
    {
        var kind = disk.StartsWith("/dev/", StringComparison.Ordinal) ? "dev" : "file";
        var domain = $"<domain type='kvm'>\n  <name>{name}</name>\n  <devices>\n    <disk type='file' device='disk'>\n      <source {kind}='{disk}'/>\n    </disk>\n  </devices>\n</domain>";
        Definitions[$"/etc/libvirt/qemu/{name}.xml"] = domain;
        if (running) Definitions[$"/run/libvirt/qemu/{name}.xml"] = $"<domstatus state='running' reason='booted' pid='648'>\n{domain}\n</domstatus>";
    }

    private Said GuestDefinitions() => Said.Text(string.Concat(Definitions.Select(file => $"{file.Key}\0read\0{file.Value}\0")));

    private Said DeviceLinks() => Said.Text(string.Concat(Volumes.Select(volume => $"{volume.Node}\0../dm-{volume.Minor}\0{volume.MapperNode}\0../dm-{volume.Minor}\0"))
        + string.Concat(Partitions.Select(partition => $"/dev/disk/by-partuuid/{PartUuid(partition)}\0../..{partition.Node[4..]}\0/dev/disk/by-id/virtio-lab-part{partition.Node[^1]}\0../..{partition.Node[4..]}\0")));
}
