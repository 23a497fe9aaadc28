using VirtSecurity.Resources;
using VirtSecurity.SELinux;
using VirtSecurity.Tools;

namespace VirtSecurity.Storage;

/// <summary>The facts that are about one volume or partition at one place, picked out of the host's.</summary>
internal sealed class VolumeState
{
    /// <summary>Picks them.</summary>
    /// <param name="storage">The host's facts.</param>
    /// <param name="devicePath">The device: /dev/VG/LV, or a partition's node.</param>
    /// <param name="volume">The logical volume that it is; null: none, or it is not there yet.</param>
    /// <param name="device">Null: it has no node now.</param>
    /// <param name="mountPoint">Where it is or is to be mounted; null: nobody says.</param>
    public VolumeState(HostStorage storage, string devicePath, LogicalVolumeFact? volume, BlockDeviceFact? device, string? mountPoint)
    {
        Storage = storage;
        DevicePath = devicePath;
        Volume = volume;
        Device = device;
        MountPoint = mountPoint;
        Node = storage.Guests.Links.Resolve(devicePath);
        OwnNames = [devicePath, .. volume is null ? [] : new[] { Lvm.MapperPath(volume.VolumeGroup, volume.Name) }, .. device?.Uuid is { } uuid && !IsShared(uuid) ? new[] { $"UUID={uuid}" } : []];
        MountedAtPoint = storage.Mounts.LastOrDefault(mount => mount.MountPoint == mountPoint);
        IsMounted = MountedAtPoint is not null && IsMountOf(MountedAtPoint);
        Elsewhere = storage.Mounts.FirstOrDefault(mount => mount.MountPoint != mountPoint && IsMountOf(mount));
        FstabOfPoint = [.. storage.Fstab.Where(entry => entry.MountPoint == mountPoint)];
        FstabLine = FstabOfPoint.FirstOrDefault(entry => IsOwnName(entry.Source));
        FstabElsewhere = storage.Fstab.FirstOrDefault(entry => entry.MountPoint != mountPoint && IsOwnName(entry.Source));
    }

    public HostStorage Storage { get; }
    public string DevicePath { get; }
    public LogicalVolumeFact? Volume { get; }
    public BlockDeviceFact? Device { get; }
    public string? MountPoint { get; }

    /// <summary>What is mounted at the mount point, be it this volume or not.</summary>
    public MountFact? MountedAtPoint { get; }

    /// <summary>This volume is mounted at the mount point.</summary>
    public bool IsMounted { get; }

    /// <summary>This volume is mounted at another place.</summary>
    public MountFact? Elsewhere { get; }

    /// <summary>fstab's lines for the mount point, be they this volume's or not.</summary>
    public IReadOnlyList<FstabEntry> FstabOfPoint { get; }

    /// <summary>fstab's line for this volume at the mount point.</summary>
    public FstabEntry? FstabLine { get; }

    /// <summary>fstab's line for this volume at another place.</summary>
    public FstabEntry? FstabElsewhere { get; }

    /// <summary>The file system on it; null: none, or the volume is inactive.</summary>
    public string? FileSystem => IsMounted ? MountedAtPoint!.FileSystem : Device?.FileSystem;

    public bool IsOurs => Volume?.Tags.Contains(Lvm.Tag) == true;

    /// <summary>It is a guest's disk as it is: what is in it is the guest's.</summary>
    public bool IsRaw => !IsMounted && FstabLine is null && (Volume?.Tags.Contains(Lvm.RawTag) == true || GuestsOfDevice.Count > 0);

    /// <summary>Its node as it is now, and our udev rule for it; null: it is no logical volume.</summary>
    public VolumeNodeFact? NodeFact => Volume is null ? null : Storage.Udev.Of(Volume.VolumeGroup, Volume.Name, Volume.Device);

    /// <summary>Guests that have the device itself as their disk.</summary>
    public IReadOnlyList<GuestDisk> GuestsOfDevice => Storage.Guests.Of([.. OwnNames, Node]);

    /// <summary>Refuses to mount what is a guest's disk: QEMU does not hold it exclusively, and two that write to one file system ruin it.</summary>
    /// <exception cref="VirtException">VolumeInUse.</exception>
    public void RequireNoGuestsDisk(string subject)
    {
        if (!IsMounted && VolumeUse.Words(GuestsOfDevice) is { } guest) throw new VirtException("VolumeInUse", subject, Storage.Host.Host, guest);
    }

    /// <summary>The root of its file system; null while it is not mounted.</summary>
    public PathFact? Root => IsMounted ? Storage.Inodes.GetValueOrDefault(MountPoint!) : null;

    /// <summary>The rule that gives its root a label.</summary>
    public FileContextRule? Rule => MountPoint is null ? null : Storage.Host.SELinux.FileContexts.Lookup(MountPoint, 'd');

    /// <summary>Guests that have the device, or a file in it, as a disk.</summary>
    public IEnumerable<GuestDisk> Guests => Storage.Guests.Of([.. OwnNames, Node, .. MountPoint is null ? [] : new[] { MountPoint }]);

    private IReadOnlyList<string> OwnNames { get; }

    private string Node { get; }

    /// <summary>
    /// What fstab is to call it: a logical volume by its node, a partition by its own id. Never by a label or a UUID of the file system: a guest
    /// that can write its disk can forge either.
    /// </summary>
    public string StableName => Volume is not null ? DevicePath
        : Storage.Guests.Links.NameOf(Node, "/dev/disk/by-partuuid/") is { } id ? $"PARTUUID={id}"
        : Storage.Guests.Links.NameOf(Node, "/dev/disk/by-id/") is { } other ? $"/dev/disk/by-id/{other}"
        : DevicePath;

    /// <summary>Whether fstab's first field means this volume: by node, by any of udev's links, by UUID.</summary>
    public bool IsOwnName(string source) =>
        OwnNames.Contains(source) || (Storage.Guests.Links.Resolve(NodeName(source)) == Node && !(source.StartsWith("UUID=", StringComparison.Ordinal) && IsShared(source[5..].Trim('"'))));

    /// <summary>A snapshot has its origin's UUID: then it names neither.</summary>
    private bool IsShared(string uuid) => Storage.Devices.Where(device => device.Uuid == uuid).DistinctBy(device => device.Device).Skip(1).Any();

    /// <summary>What fstab's first field means, as a path below /dev.</summary>
    public static string NodeName(string source) => source.Split('=', 2) is [var key and ("UUID" or "PARTUUID" or "LABEL" or "PARTLABEL" or "ID"), var value]
        ? $"/dev/disk/by-{key.ToLowerInvariant()}/{value.Trim('"')}"
        : source;

    /// <summary>By the device's number; a file system of many devices (btrfs) has a number of its own.</summary>
    public bool IsMountOf(MountFact mount) =>
        Device is null ? false : mount.Device == Device.Device || (mount.Device.StartsWith("0:", StringComparison.Ordinal) && Storage.Guests.Links.Resolve(mount.Source) == Node);
}
